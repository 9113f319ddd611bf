import schema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' }
import Ajv from 'ajv-draft-04'
import type { Log } from 'sarif'
import { scan, type ScanReport, toHtmlReport, toJUnitReport, toSarifReport, toTextReport } from 'tokenward/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { entryOf } from '../entry.ts'
import { readLeaks } from './sets/leaks.ts'
import { valueOf } from './sets/values.ts'

let report: ScanReport
let empty: ScanReport

beforeAll(async () => {
  const { text, file } = readLeaks().find((document) => document.file === 'firefox.har')!
  report = await scan(text, { file: `a folder/${file}` })
  empty = await scan('nothing')
})

/** A finding whose every text is hostile. */
const hostile = (evil: string): ScanReport => {
  const [finding] = report.findings
  const where = { ...finding!.where, file: evil, part: evil }
  return { ...report, findings: [{ ...finding!, where, message: evil, fingerprint: evil }] }
}

describe('text', () => {
  test('each finding has its place, its rule and its token by fingerprint, and each rule its advice once', () => {
    const text = toTextReport(report)
    expect(text).toContain('a folder/firefox.har:2:')
    expect(text).toMatch(/\(entry 0, request\.headers\.authorization\) high L8 token-in-file\n/)
    expect(text.match(/^L8 token-in-file:/gm)).toHaveLength(1)
    expect(text).toMatch(/\n\d+ findings: \d+ high, \d+ medium\.\n$/)
    expect(toTextReport(empty)).toBe('No findings in 7 characters.\n')
  })

  test('colour is there only when asked for, and what a log holds moves no cursor', () => {
    expect(toTextReport(report)).not.toContain('\u001B')
    expect(toTextReport(report, { color: true })).toContain('\u001B[31mhigh\u001B[0m')
    expect(toTextReport(hostile('a\u001B[2J\u202Eb'))).toContain('a?[2J?b')
  })
})

describe('SARIF', () => {
  const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema)

  test('a report is valid against the schema, with findings and without', () => {
    for (const one of [report, empty, hostile('<&"\u0000')]) {
      expect([validate(JSON.parse(JSON.stringify(toSarifReport(one, '1.2.3')))), validate.errors]).toEqual([true, null])
    }
    const wrong = { ...(toSarifReport(report) as Log), runs: [{ results: [] }] }
    expect(validate(JSON.parse(JSON.stringify(wrong)))).toBe(false)
  })

  test('every result points at its rule, and its file is a relative reference', () => {
    const { runs } = toSarifReport(report) as Log
    const [{ tool, results = [] }] = runs as [Log['runs'][0]]
    expect(results).toHaveLength(report.findings.length)
    for (const { ruleId, ruleIndex, locations } of results) {
      expect(tool.driver.rules?.[ruleIndex!]?.id).toBe(ruleId)
      expect(locations?.[0]?.physicalLocation?.artifactLocation?.uri).toBe('a%20folder/firefox.har')
    }
  })
})

describe('JUnit', () => {
  test('each rule that found something in a file is a failure, each clean file passes', () => {
    const xml = toJUnitReport(report, ['a folder/firefox.har', 'clean.log'])
    const rules = new Set(report.findings.map(({ rule }) => rule)).size
    expect(xml).toContain(`tests="${rules + 1}" failures="${rules}"`)
    expect(xml).toContain('<testcase classname="clean.log" name="no token leaks or is misused"/>')
  })
})

test('what a log holds cannot break out of any report', () => {
  const evil = '"><script>alert(1)</script>]]>&amp;\u0000\u001B[2J'
  for (const made of [toHtmlReport(hostile(evil)), toJUnitReport(hostile(evil))]) {
    expect(made).not.toContain('<script>')
    expect(made).toContain('&lt;script&gt;')
  }
  expect(toJUnitReport(hostile(evil))).not.toContain('\u0000')
})

test('no report tells a password or a token that stands in a URL, or where a name belongs', async () => {
  const [jwt, opaque] = [valueOf('jwt', 'report'), valueOf('opaque', 'report')]
  const entries = [
    entryOf({ url: `https://ann:${opaque}@api.example.com/of/${opaque}`, headers: { authorization: `Bearer ${jwt}` } }),
    { ...entryOf({ headers: { [opaque]: `Bearer ${jwt}` } }), _own: { [opaque]: { token: jwt } } },
  ]
  const found = await scan(JSON.stringify({ log: { entries } }), { file: 'a.har' })
  expect(found.findings.map(({ where }) => where.part)).toContain('_own.\u2026.token')
  expect(found.findings.map(({ where }) => where.part)).toContain('request.headers.\u2026')
  const reports = [toTextReport(found), toHtmlReport(found), toJUnitReport(found, ['a.har']), JSON.stringify(found)]
  for (const made of [...reports, JSON.stringify(toSarifReport(found))]) {
    for (const secret of [jwt, opaque, opaque.toLowerCase()]) expect(made).not.toContain(secret)
  }
  expect(toHtmlReport(found)).toContain('api.example.com/of/\u2026')
})
