import { readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** A schema written into the config itself, or one of the documents it is made of. */
export type SchemaDocument = { readonly [keyword: string]: unknown }

const drafts: { readonly [uri: string]: typeof Ajv | typeof Ajv2020 } = {
  'https://json-schema.org/draft/2020-12/schema': Ajv2020,
  'http://json-schema.org/draft-07/schema': Ajv,
}

/**
 * Compiles a JSON Schema: draft 2020-12, or draft-07 where its "$schema" says so.
 * @param schema the schema, or the path of its file
 * @param directory where relative paths start from
 * @returns the compiled check, which leaves every problem in its `errors`
 * @throws Error that says which document is wrong and how
 */
export function compileSchema(schema: string | SchemaDocument, directory: string): ValidateFunction {
  const file = typeof schema === 'string' ? resolve(directory, schema) : join(directory, 'inline')
  const title = typeof schema === 'string' ? `the schema "${schema}"` : 'the schema'
  const document = typeof schema === 'string' ? readDocument(file, title) : schema
  const url = pathToFileURL(file).href
  const ajv = createAjv(document, title)
  try {
    add(ajv, document, url)
    return link(ajv, url, new URL(textOf(document.$id) ?? '', url))
  } catch (cause) {
    if (cause instanceof SchemaError) throw cause
    throw new SchemaError(`${title} cannot be used: ${plain((cause as Error).message)}`, { cause })
  }
}

class SchemaError extends Error {
  override readonly name = 'SchemaError'
}

function createAjv(document: SchemaDocument, title: string): Ajv | Ajv2020 {
  const draft = textOf(document.$schema)?.replace(/#$/, '') ?? 'https://json-schema.org/draft/2020-12/schema'
  const Draft = drafts[draft]
  if (!Draft) throw new SchemaError(`${title} is of "${draft}"; expected ${Object.keys(drafts).join(' or ')}`)
  const ajv = new Draft({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    logger: false,
  })
  formats.default(ajv)
  return ajv
}

/** Adds a document; unknown keywords are mistakes but for those that start with "x-", which are annotations. */
function add(ajv: Ajv | Ajv2020, document: SchemaDocument, url: string): void {
  for (const [, keyword] of JSON.stringify(document).matchAll(/"(x-[\w-]+)":/g)) {
    if (!ajv.getKeyword(keyword!)) ajv.addKeyword(keyword!)
  }
  ajv.addSchema(document, url)
}

/** Compiles, reading the files that are referred to as they turn up missing: those beside the document, none else. */
function link(ajv: Ajv | Ajv2020, url: string, base: URL): ValidateFunction {
  const read = new Set([base.href])
  for (;;) {
    try {
      return ajv.getSchema(url)!
    } catch (cause) {
      if (!isMissingReference(cause)) throw cause
      const missing = URL.parse(cause.missingSchema, base.href)
      const reference = cause.missingRef.replace(url, '').replace(new URL('.', url).href, '')
      if (missing && (read.has(missing.href) || missing.href === url)) {
        throw new SchemaError(`a schema refers to "${reference}", which is not in that document`, { cause })
      }
      if (!missing || URL.parse('.', missing.href)?.href !== URL.parse('.', base.href)?.href) {
        throw new SchemaError(`a schema refers to "${reference}", which is not a file beside it`, { cause })
      }
      read.add(missing.href)
      const file = fileURLToPath(new URL(basename(missing.pathname), url))
      add(ajv, readDocument(file, `the schema "${basename(file)}"`), cause.missingSchema)
    }
  }
}

function readDocument(file: string, title: string): SchemaDocument {
  let document: unknown
  try {
    document = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new SchemaError(`${title} cannot be read from ${file}: ${(cause as Error).message}`, { cause })
  }
  if (document !== null && typeof document === 'object' && !Array.isArray(document)) return document as SchemaDocument
  throw new SchemaError(`${title} in ${file} is not a JSON Schema; expected a JSON object`)
}

const isMissingReference = (thrown: unknown): thrown is Error & { missingSchema: string; missingRef: string } =>
  thrown instanceof Ajv.MissingRefError

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Ajv's message without its own vocabulary: in it, "data" is the schema itself. */
const plain = (message: string): string =>
  message
    .replace(/^schema is invalid: /, '')
    .replaceAll(/\bdata(?=\/)/g, '')
    .replace(/^strict mode: /, '')
    .replace(/ ignored in schema at path "(.*)"$/, ' at "$1"')
