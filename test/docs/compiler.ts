import ts from 'typescript'
import { readText, root } from './markdown.ts'

/** What a program that type-checks in memory is made of: file names relative to the repository. */
export type Files = Readonly<Record<string, string>>

/**
 * What the compiler finds wrong with `files`, which exist in memory only and import the package from `src`.
 *
 * @param options Beside those that every application has.
 */
export function problemsOf(files: Files, options: ts.CompilerOptions = {}): string[] {
  const texts = new Map(Object.entries(files).map(([name, text]) => [root + name, text]))
  const settings: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    allowImportingTsExtensions: true,
    // The test kit reads files, with Node's own modules, where it is asked to.
    types: ['node'],
    skipLibCheck: true,
    paths: {
      tokenward: [`${root}src/index.ts`],
      'tokenward/axios': [`${root}src/axios/index.ts`],
      'tokenward/fetch': [`${root}src/fetch/index.ts`],
      'tokenward/oauth': [`${root}src/oauth/index.ts`],
      'tokenward/dpop': [`${root}src/dpop/index.ts`],
      'tokenward/storage': [`${root}src/storage/index.ts`],
      'tokenward/testing': [`${root}src/testing/index.ts`],
    },
    ...options,
  }
  const host = ts.createCompilerHost(settings)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => texts.has(name) || fileExists(name)
  host.readFile = (name) => texts.get(name) ?? readFile(name)
  host.getSourceFile = (name, version, ...rest) => {
    const text = texts.get(name)
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version)
  }
  const program = ts.createProgram([...texts.keys()], settings, host)
  return ts
    .getPreEmitDiagnostics(program)
    .map((problem) => ts.formatDiagnostic(problem, { ...host, getCurrentDirectory: () => root }).trim())
}

/** `code` as the body of a function that is given `require` instead of imports. */
export function toFunctionBody(code: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true },
  })
  return outputText
}

/** The texts of the `@example` tags of the file `path`. */
export function examplesOf(path: string): string[] {
  const source = ts.createSourceFile(path, readText(path), ts.ScriptTarget.ES2022, true)
  const examples = new Set<string>()
  const visit = (node: ts.Node): void => {
    for (const tag of ts.getJSDocTags(node)) {
      if (tag.tagName.text === 'example') examples.add(ts.getTextOfJSDocComment(tag.comment) ?? '')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...examples]
}

/** The texts of the union of literals `name`, or the names of the members of the interface `name`, of the file `path`. */
export function namesOf(path: string, name: string): string[] {
  const names = declarations(path)
    .filter((node) => node.name.text === name)
    .flatMap((node) => (ts.isInterfaceDeclaration(node) ? memberNames(node.members) : literals(node.type)))
  if (names.length === 0) throw new Error(`${path} declares no ${name}`)
  return names
}

/** The texts that the member `member` of the union of objects `name` may have, in the file `path`. */
export function variantsOf(path: string, name: string, member: string): string[] {
  return declarations(path)
    .filter((node): node is ts.TypeAliasDeclaration => node.name.text === name && ts.isTypeAliasDeclaration(node))
    .flatMap(({ type }) => (ts.isUnionTypeNode(type) ? [...type.types] : [type]))
    .flatMap((one) => (ts.isTypeLiteralNode(one) ? [...one.members] : []))
    .flatMap((one) =>
      ts.isPropertySignature(one) && one.name.getText() === member && one.type ? literals(one.type) : [],
    )
}

/** The members of the object that is the type of the member `member` of the interface `name`, in the file `path`. */
export function membersOf(path: string, name: string, member: string): string[] {
  return declarations(path)
    .filter((node): node is ts.InterfaceDeclaration => node.name.text === name && ts.isInterfaceDeclaration(node))
    .flatMap(({ members }) => [...members])
    .filter((one): one is ts.PropertySignature => ts.isPropertySignature(one) && textOf(one.name) === member)
    .flatMap(({ type }) => (type && ts.isTypeLiteralNode(type) ? memberNames(type.members) : []))
}

function declarations(path: string): (ts.InterfaceDeclaration | ts.TypeAliasDeclaration)[] {
  const { statements } = ts.createSourceFile(path, readText(path), ts.ScriptTarget.ES2022, true)
  return statements.filter((node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
}

function memberNames(members: ts.NodeArray<ts.TypeElement>): string[] {
  return members.flatMap(({ name }) => (name ? [textOf(name)] : []))
}

function literals(type: ts.TypeNode): string[] {
  const types = ts.isUnionTypeNode(type) ? [...type.types] : [type]
  return types.flatMap((one) =>
    ts.isLiteralTypeNode(one) && ts.isStringLiteral(one.literal) ? [one.literal.text] : [],
  )
}

function textOf(name: ts.PropertyName): string {
  return ts.isStringLiteral(name) ? name.text : name.getText()
}
