import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createCertificate } from './certificate.mjs'
import { metadata } from './metadata.mjs'
import { createModel, tokenRequestOf } from './model.mjs'

const { https, ...options } = JSON.parse(process.argv[2])
const model = createModel(options)
const scheme = https ? 'https' : 'http'

const server = https ? createSecureServer(createCertificate(), answer) : createServer(answer)

function answer(request, response) {
  let text = ''
  request.on('data', (chunk) => {
    text += chunk
  })
  request.on('end', () => {
    const { url, headers } = request
    const { status, body } = url.includes('openid-configuration')
      ? { status: 200, body: metadata(`${scheme}://${headers.host}`) }
      : url.includes('/token')
        ? model.refresh(tokenRequestOf(text), url)
        : model.call(headers.authorization)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
}

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', 8_192, () => process.send({ port: server.address().port }))

process.on('message', (command) => {
  if (command === 'issue') process.send(model.issue())
  else if (command === 'counts') process.send({ ...model.counts })
  else {
    if (typeof command === 'number') model.moveClock(command)
    else model.refuseAll()
    process.send('done')
  }
})
process.on('disconnect', () => process.exit(0))
