/** How many frames tell where it was: those beneath differ with the way there. */
const most = 3
/** A line of a stack beyond these is not looked at. */
const mostLines = 400

/** What a stack says of the reason. */
export interface Trace {
  /** Class and message of the innermost error. */
  readonly head: string
  /** Whether that is behind another one. */
  readonly isCause: boolean
  /** Where it was thrown: the uppermost frames of the user's own code, without lines; empty where it has none. */
  readonly frames: readonly string[]
}

/** The last one read: a flood brings the same again and again. */
let last: { readonly stack: string; readonly trace: Trace } | undefined

/** Reads stacks of V8, of the JVM and of Python, with the errors behind the error. */
export function readTrace(stack: string): Trace {
  if (last?.stack !== stack) last = { stack, trace: traceOf(stack) }
  return last.trace
}

function traceOf(stack: string): Trace {
  const sections = sectionsOf(stack)
  const read = sections.map(readSection)
  const own = read.findLast(({ frames }) => frames.length > 0)
  return { head: read.at(-1)!.head, isCause: read.length > 1, frames: own?.frames ?? [] }
}

type Section = Pick<Trace, 'head' | 'frames'>

const traceback = 'Traceback (most recent call last)'

/** One error each, the innermost last. */
function sectionsOf(stack: string): string[] {
  if (stack.includes(traceback)) {
    return stack.split(/\n\s*\n(?:The above exception was|During handling of)[^\n]*\n\s*\n/).toReversed()
  }
  return stack.split(stack.includes('[cause]: ') ? /\n\s*(?:Caused by: |\[cause\]: )/ : '\nCaused by: ')
}

function readSection(section: string): Section {
  if (section.includes(traceback)) return readPython(section.split('\n', mostLines))
  const plain = section.indexOf('\n    at ')
  const first = plain < 0 ? section.search(/\n\s+at /) : plain
  const head = (first < 0 ? section : section.slice(0, first)).replace(/^Exception in thread "[^"]*" /, '')
  return { head, frames: first < 0 ? [] : framesOf(section.slice(first + 1)) }
}

/** Those of the last stacks: messages differ more than the places where they are thrown. */
const known = new Map<string, readonly string[]>()
const mostKnown = 256

function framesOf(text: string): readonly string[] {
  const before = known.get(text)
  if (before) return before
  const made = uppermost(text.split('\n', mostLines))
  if (known.size >= mostKnown) known.clear()
  known.set(text, made)
  return made
}

function uppermost(lines: readonly string[]): string[] {
  const own = new Set<string>()
  for (const line of lines) {
    if (callsFromOxbow.test(line)) break
    const frame = javaFrame(line) ?? scriptFrame(line)
    // How deep a recursion goes says nothing of the reason.
    if (frame && own.has(frame)) break
    if (frame) own.add(frame)
    if (own.size === most) break
  }
  return [...own]
}

/** Where Oxbow calls what users wrote: beneath is Oxbow, wherever it is installed. */
const callsFromOxbow = /\/src\/(?:operators\/use(?:\/\w+)?|component\/(?:lift|userFile))\.[jt]s\b/

const oxbow = new URL('../../', import.meta.url)
const notOwn = new RegExp(
  `^(?:node:|native|index \\d|<anonymous>|internal/|wasm:|webpack/)|[\\\\/]node_modules[\\\\/]|webpack/(?:runtime|bootstrap)|${[oxbow.href, oxbow.pathname].map((place) => place.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')}`,
)

/** A frame of V8's: undefined where it is not of the user's own code. */
function scriptFrame(line: string): string | undefined {
  const found = /^\s*at (?:(?<name>.*?) \((?<called>.+:\d+:\d+)\)|(?:async )?(?<bare>\S+:\d+:\d+))$/.exec(line)?.groups
  if (!found) return undefined
  const location = found.called ?? found.bare!
  const file = /^eval at .*?\((?<inner>[^()\s]+):\d+:\d+\)/.exec(location)?.groups?.inner ?? location
  return notOwn.test(file) ? undefined : `${functionName(found.name ?? '')}@${fileName(file)}`
}

/** The name alone: what it is called on differs with bundlers, and with the class of an heir. */
function functionName(shown: string): string {
  const name = shown.replace(/^(?:async |new )+/, '').replace(/ \[as .*\]$/, '')
  const last = name.slice(name.lastIndexOf('.') + 1).replace(/^(?:get|set) /, '')
  return /^<?(?:anonymous|eval|computed)>?$/.test(last) ? '' : last
}

/** The name of the file without what a build or another machine makes of it. */
function fileName(location: string): string {
  const path = location.replace(/(?::\d+)+$/, '').replace(/[?#].*$/, '')
  const parts = path.split(/[\\/]/)
  const name = parts
    .at(-1)!
    .replace(/\.[cm]?[jt]sx?$/, '')
    .replace(/[.-](?=[\w-]*\d)[\w-]{6,}$/, '')
  return name === 'index' ? `${parts.at(-2) ?? ''}/index` : name
}

const javaPackages =
  /^(?:java|javax|jakarta|jdk|sun|kotlin|scala|groovy|reactor|com\.sun|com\.fasterxml|com\.google|com\.mysql|com\.zaxxer|org\.(?:springframework|apache|hibernate|postgresql|slf4j|junit|codehaus|aspectj|jboss|eclipse)|io\.(?:confluent|netty|micrometer|projectreactor|debezium|grpc|vertx|quarkus|smallrye))\./

/** A frame of the JVM's: undefined where it is none, or of a framework. */
function javaFrame(line: string): string | undefined {
  const found =
    /^\s*at (?:[\w.@-]*\/{1,2})?(?<place>[\w.$]+\.[\w$<>]+(?:\/0x[0-9a-f]+)?[\w$.]*)\((?:[\w$]+\.(?:java|kt|scala|groovy)|Native Method|Unknown Source|<generated>)/.exec(
      line,
    )?.groups
  if (!found || javaPackages.test(found.place!)) return undefined
  return found.place!.replace(/\$\$[^.]*/g, '').replace(/\$?\d+(?=[.$]|$)/g, '')
}

/** Python names the innermost frame last. */
function readPython(lines: readonly string[]): Section {
  const frames = new Set(lines.toReversed().flatMap((line) => pythonFrame(line) ?? []))
  const last = lines.findLastIndex((line) => /^\s+File "/.test(line))
  const head = lines.slice(last + 1).filter((line) => /^\S/.test(line))
  return { head: head.join('\n'), frames: [...frames].slice(0, most) }
}

/** A line of a traceback: undefined where it is none, or of a library. */
function pythonFrame(line: string): string | undefined {
  const found = /^\s+File "(?<file>[^"]+)", line \d+, in (?<name>.+)$/.exec(line)?.groups
  if (!found || /site-packages|dist-packages|[\\/]lib[\\/]python\d|^<frozen/.test(found.file!)) return undefined
  const file = found.file!.slice(found.file!.search(/[^\\/]+$/)).replace(/\.py$/, '')
  return `${/^<.*>$/.test(found.name!) ? '' : found.name}@${file}`
}
