import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { startLab, type Lab } from './lab.ts'

/**
 * The control endpoint of the browser tests. A page opens a lab for each test (`POST /open`), asks it things
 * (`POST /<lab>/<method>`, the arguments in a JSON list), and closes it, so that no test sees what another has left.
 */
export default async function setUpControl(project: TestProject): Promise<() => Promise<void>> {
  const labs = new Map<string, Lab>()
  let opened = 0

  async function run(path: string, args: unknown[]): Promise<unknown> {
    const [id = '', method = ''] = path.split('/').slice(1)
    if (id === 'open') {
      const lab = await startLab(...(args as Parameters<typeof startLab>))
      const name = String(++opened)
      labs.set(name, lab)
      return { id: name, origins: lab.origins }
    }
    const lab = labs.get(id)
    if (lab === undefined) throw new Error(`there is no lab ${id}`)
    if (method === 'close') {
      labs.delete(id)
      return lab.close()
    }
    const methods: Record<string, (...given: never[]) => unknown> = lab.methods
    return methods[method]?.(...(args as never[]))
  }

  const server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*')
    response.setHeader('Access-Control-Allow-Credentials', 'true')
    // Cookies know no ports: what the servers of a test have set can be taken away here.
    if (request.url === '/open') response.setHeader('Set-Cookie', 'refresh_token=; Path=/auth; HttpOnly; Max-Age=0')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const args = JSON.parse(Buffer.concat(chunks).toString('utf8') || '[]') as unknown[]
      Promise.resolve(run(request.url ?? '/', args)).then(
        (result) => response.end(JSON.stringify(result ?? null)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  project.provide('control', `http://localhost:${(server.address() as AddressInfo).port}`)

  return async () => {
    await Promise.all([...labs.values()].map((lab) => lab.close()))
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
