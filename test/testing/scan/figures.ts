import { scan } from '../../../src/testing/scan/scan.ts'
import { scanRules, type RuleId } from '../../../src/testing/scan/rules.ts'
import { rivals } from './rivals.ts'
import { readLeaks, type Label, type LabelledDocument } from './sets/leaks.ts'
import { readHistories } from './sets/misuse.ts'
import { setsBeginAt } from './sets/values.ts'

/** What a scanner says of a document: lines and columns, from 1. */
export interface Hit {
  readonly line: number
  readonly column: number
  readonly rule: string
}

/** How well a scanner does at finding what is labelled, whatever it calls it. */
export interface Score {
  readonly found: number
  readonly missed: number
  /** Hits at no label, or at a decoy. */
  readonly false: number
}

/** A mistake, for whoever wants to mend it. */
export interface Mistake {
  readonly where: string
  readonly what: string
}

export interface Figures {
  readonly labels: number
  readonly decoys: number
  readonly documents: number
  readonly scanners: readonly { readonly name: string; readonly all: Score; readonly shapes: number }[]
  readonly rules: readonly { readonly rule: RuleId; readonly score: Score }[]
  readonly histories: number
  readonly historiesRight: number
  readonly misuse: readonly { readonly rule: RuleId; readonly score: Score }[]
  readonly mistakes: readonly Mistake[]
}

/** Runs our scanner, and those that it is compared with, over the labelled sets. */
export async function computeFigures(): Promise<Figures> {
  const documents = readLeaks()
  const mistakes: Mistake[] = []
  const ours = await Promise.all(
    documents.map(async (document) => ({
      document,
      hits: (await hitsOf(document)).filter(({ rule }) => rule.startsWith('L')),
    })),
  )
  const others = rivals.map(({ name, find }) => ({
    name,
    results: documents.map((document) => ({ document, hits: find(document.text) })),
  }))
  const scanners = [{ name: 'tokenward scan', results: ours }, ...others].map(({ name, results }, index) => ({
    name,
    all: total(results.map((result) => scoreOf(result, index === 0 ? mistakes : []))),
    shapes: scoreOf(results[0]!, []).found,
  }))
  const misuse = await judgeHistories(mistakes)
  return {
    labels: documents.flatMap(({ labels }) => labels.filter(isLeak)).length,
    decoys: documents.flatMap(({ labels }) => labels.filter((label) => !isLeak(label))).length,
    documents: documents.length,
    scanners,
    rules: scanRules
      .filter(({ id }) => id.startsWith('L'))
      .map(({ id }) => ({ rule: id, score: total(ours.map((result) => scoreOfRule(result, id, mistakes))) })),
    ...misuse,
    mistakes,
  }
}

const isLeak = ({ rules }: Label): boolean => rules.length > 0

async function hitsOf({ text, file, allowOrigins }: LabelledDocument): Promise<Hit[]> {
  const { findings } = await scan(text, { file, now: setsBeginAt, ...(allowOrigins ? { allowOrigins } : {}) })
  return findings.map(({ where, rule }) => ({ line: where.line, column: where.column, rule }))
}

interface Result {
  readonly document: LabelledDocument
  readonly hits: readonly Hit[]
}

const isAt = ({ line, column, length }: Label, hit: Hit): boolean =>
  hit.line === line && hit.column >= column && hit.column < column + Math.max(1, length)

function scoreOf({ document, hits }: Result, mistakes: Mistake[]): Score {
  const leaks = document.labels.filter(isLeak)
  const missed = leaks.filter((label) => !hits.some((hit) => isAt(label, hit)))
  // Several hits at one place are one.
  const places = [...new Map(hits.map((hit) => [`${hit.line}:${hit.column}`, hit])).values()]
  const wrong = places.filter((hit) => !leaks.some((label) => isAt(label, hit)))
  mistakes.push(
    ...missed.map(({ line, column, shape }) => ({
      where: `${document.file}:${line}:${column}`,
      what: `missed ${shape}`,
    })),
    ...wrong.map(({ line, column, rule }) => ({ where: `${document.file}:${line}:${column}`, what: `false ${rule}` })),
  )
  return { found: leaks.length - missed.length, missed: missed.length, false: wrong.length }
}

function scoreOfRule({ document, hits }: Result, rule: RuleId, mistakes: Mistake[]): Score {
  const labels = document.labels.filter(({ rules }) => rules.includes(rule))
  const own = hits.filter((hit) => hit.rule === rule)
  const missed = labels.filter((label) => !own.some((hit) => isAt(label, hit)))
  const wrong = own.filter((hit) => !labels.some((label) => isAt(label, hit)))
  mistakes.push(
    ...missed.map(({ line, column }) => ({ where: `${document.file}:${line}:${column}`, what: `not ${rule}` })),
    ...wrong.map(({ line, column }) => ({ where: `${document.file}:${line}:${column}`, what: `wrongly ${rule}` })),
  )
  return { found: labels.length - missed.length, missed: missed.length, false: wrong.length }
}

const total = (scores: readonly Score[]): Score =>
  scores.reduce((sum, one) => ({
    found: sum.found + one.found,
    missed: sum.missed + one.missed,
    false: sum.false + one.false,
  }))

async function judgeHistories(mistakes: Mistake[]): Promise<Pick<Figures, 'histories' | 'historiesRight' | 'misuse'>> {
  const judged = await Promise.all(
    readHistories().map(async ({ id, rules, file, text }) => {
      const { counts } = await scan(text, { file })
      const raised = Object.keys(counts).filter((rule) => rule.startsWith('M'))
      const right = [...rules].sort().join() === [...raised].sort().join()
      if (!right)
        mistakes.push({ where: id, what: `is ${rules.join(' ') || 'clean'}, said ${raised.join(' ') || 'clean'}` })
      return { rules, raised, right }
    }),
  )
  const count = (test: (rules: readonly string[], raised: readonly string[]) => boolean): number =>
    judged.filter(({ rules, raised }) => test(rules, raised)).length
  return {
    histories: judged.length,
    historiesRight: judged.filter(({ right }) => right).length,
    misuse: scanRules
      .filter(({ id }) => id.startsWith('M'))
      .map(({ id }) => ({
        rule: id,
        score: {
          found: count((rules, raised) => rules.includes(id) && raised.includes(id)),
          missed: count((rules, raised) => rules.includes(id) && !raised.includes(id)),
          false: count((rules, raised) => !rules.includes(id) && raised.includes(id)),
        },
      })),
  }
}
