import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { completionFor } from '../../../src/testing/cli/completion.ts'
import { commands } from '../../../src/testing/cli/commands.ts'
import { codeIn, tableOf } from '../../docs/markdown.ts'
import { tokenward } from './cli.ts'

describe('help', () => {
  test('without a command, and with --help, it says what there is', async () => {
    const { code, out } = await tokenward([])
    expect(code).toBe(0)
    for (const { name, summary } of commands) expect(out).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
    expect(await tokenward(['--help'])).toEqual({ code, out, err: '' })
    expect((await tokenward(['--version'])).out).toBe('1.2.3\n')
  })

  test('every command explains its usage, its options and shows examples of itself', async () => {
    for (const { name, options, examples } of commands) {
      const { code, out } = await tokenward([name, '--help'])
      expect([code, await tokenward(['help', name])]).toEqual([0, { code, out, err: '' }])
      expect(out).toContain(`Usage: tokenward ${name} `)
      for (const option of Object.keys(options)) expect(out).toContain(`--${option}`)
      expect(examples.length).toBeGreaterThan(0)
      for (const [line, what] of examples) {
        expect(line).toContain(`tokenward ${name}`)
        expect(out).toContain(`# ${what}\n  ${line}`)
      }
      for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120)
    }
  })
})

describe('what cannot be understood', () => {
  test.each([
    [['skan'], 'there is no command skan. Did you mean scan?'],
    [['frobnicate'], 'there is no command frobnicate. See: tokenward --help'],
    [['scan', '--fromat', 'json', '-'], 'tokenward scan has no option --fromat. Did you mean --format?'],
    [['scan', '--format', 'yaml', '-'], '--format cannot be "yaml". It is one of: text, json, sarif, junit, html.'],
    [['scan', '--format'], "Option '-f, --format <value>' argument missing. See: tokenward scan --help"],
    [['scan'], 'tell what to scan: files, folders, or - for standard input.'],
    [['scan', 'no/such/file'], 'cannot read no/such/file: there is no such file'],
    [['scan', '--allow-origin', 'api.example.com', '-'], '--allow-origin api.example.com is no URL.'],
    [['scan', '--rule', 'L9', '-'], 'there is no rule L9.'],
    [['scan', '--max-lifetime', '-5', '-'], '--max-lifetime needs a value. One that begins with a dash is written so:'],
    [['scan', '--max-lifetime', 'long', '-'], '--max-lifetime long is no number above 0.'],
    [['scan', '--baseline', 'package.json', '-'], 'the baseline package.json is no report'],
    [['sanitize'], 'tell one file to sanitize, or - for standard input.'],
    [['sanitize', 'docs'], 'docs is a folder: sanitize one file at a time.'],
    [['token'], 'tell how to log in (--login ./login.mjs), or what to read (--inspect).'],
    [['token', '--login', './none.mjs'], 'cannot load ./none.mjs: there is no such file'],
    [['serve', 'LICENSE'], 'LICENSE: the file is not JSON'],
    [['sanitize', process.execPath], `${process.execPath} is no text: there is nothing to sanitize in it.`],
    [['completion', 'powershell'], 'tell the shell: bash, zsh, fish.'],
  ])('%j: exit code 2, and a message that says what to do', async (args, message) => {
    const { code, out, err } = await tokenward(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(`tokenward: ${message}`)
    expect(err.trimEnd()).not.toContain('\n')
  })
})

describe('completion', () => {
  test('the script for bash is one, and completes commands, options, and their values', () => {
    const script = completionFor('bash', commands)
    const complete = (...words: string[]): string[] => {
      const line = `${script}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _tokenward; printf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['--norc', '-c', line], { encoding: 'utf8' }).trim().split('\n')
    }
    expect(complete('tokenward', 's')).toEqual(['serve', 'scan', 'sanitize'])
    expect(complete('tokenward', 'scan', '--fo')).toEqual(['--format'])
    expect(complete('tokenward', 'scan', '--format', 's')).toEqual(['sarif'])
    expect(complete('tokenward', 'scan', 'package.js')).toEqual(['package.json'])
    expect(complete('tokenward', 'completion', 'f')).toEqual(['fish'])
  })

  test.each(['bash', 'zsh', 'fish'] as const)('the script for %s names every command and option', (shell) => {
    const script = completionFor(shell, commands)
    for (const { name, options } of commands) {
      expect(script).toContain(name)
      for (const option of Object.keys(options)) expect(script).toMatch(new RegExp(`(?:--|-l )${option}\\b`))
    }
  })
})

test('the guide of the test kit lists every command', () => {
  const rows = tableOf('docs/testing.md', 'command', 'does').map(([name]) => codeIn(name)[0])
  expect(rows).toEqual(commands.map(({ name }) => name))
})
