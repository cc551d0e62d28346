/** Stands for every value that was in a message. */
const mark = '#'

/** No message counts beyond this, in characters: the time that a shape takes is bounded. */
const most = 2_048

/** Parsers say the same thing in many ways, most of them with an excerpt of the text. */
const notJson =
  /(?:[\w.$]{0,80}J(?:son|SON)[\w.$]{0,40}: )?\b(?:Unexpected (?:token|end of JSON|end-of-input|character|non-whitespace|(?:number|string) in JSON)|Unrecognized token|Expected [^\n]{1,60} in JSON|Bad (?:control|escaped?|Unicode) [^\n]{1,40} in |Unterminated (?:string|fractional)|No number after minus|Exponent part is missing|Illegal (?:unquoted )?character \(|Expecting (?:value|property name|',' delimiter|':' delimiter)|Extra data: line|Numeric value \([^)]*\) out of range of)[^]*/

const units = 'ns|[µu]s|ms|s|m|h|d|sec|secs|seconds?|min|minutes?|hours?|days?|[KMGT]i?B|[kKMGT]?b|B|bytes?|chars?|%'

/** What may be another one in the next record. The quoted are looked at once more: some of them are names. */
const value = new RegExp(
  [
    String.raw`(?<=\b(?:convert|coerce|cast|parse) )[^\n]{1,80}?(?= (?:to|into|as) )`,
    String.raw`(?<=\b(?:got|received|found|given|value) )(?!(?:a|an|the|undefined|null|string|number|boolean|object|array|bigint|true|false|in|for|of|is|was|to|no|not|type|cannot|and|from|at|too|that|which)\b)[A-Za-z][\w-]*`,
    // Plain words, passed over at one go; what the words before a value say is looked up behind them.
    String.raw`((?<![\w.'"/-])(?:(?!(?:got|received|found|given|value|convert|coerce|cast|parse) )[a-z]{1,30} )+)`,
    String.raw`\[redacted\]`,
    String.raw`(?<![\w+.-])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'\x60<>)\],;]+`,
    String.raw`(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}`,
    String.raw`\{\s*["'][^]*\}`,
    String.raw`\[\s*(?:["'{]|-?\d[^\]]*,)[^\]]*\]`,
    String.raw`"((?:[^"\\]|\\.)*)"|(?<!\w)'([^']*)'(?!\w)|\x60([^\x60]*)\x60|[“«„]([^”»“]*)[”»“]`,
    String.raw`\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?`,
    String.raw`\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b`,
    String.raw`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`,
    String.raw`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b|(?<![\w:])\[?(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\]?(?::\d{1,5})?(?![\w:])`,
    String.raw`(?<![\w.-])(?!record\.)(?:[\w-]{1,63}\.){1,8}(?:com|org|net|io|local|internal|localdomain|cloud|dev|test|example|invalid)(?::\d{1,5})?(?![\w.(/-]*[(\w])`,
    String.raw`(?<=\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|host|UnknownHostException:) )[\w-]+(?:\.[\w-]+)*(?::\d+)?`,
    String.raw`(?<![\w./-])(?:[A-Za-z]:[\\/]|~?\/(?:home|Users|root|tmp|var|usr|etc|opt|srv|app|mnt|data|work|private)\/)[^\s"':;,)]+`,
    String.raw`(?<![\w./-])\.{0,2}(?:\/[\w.@+~-]+)+\.[A-Za-z]\w{0,5}(?![\w/])`,
    String.raw`\beyJ[\w-]{8,}(?:\.[\w-]+){0,2}|\b(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])[A-Za-z0-9+/]{16,}={0,2}`,
    String.raw`\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|(?<=@)[0-9a-f]{6,}\b`,
    String.raw`(?<![\w.])(?!record\.)[A-Za-z]{1,12}[-_#]\d+(?:[-_]\w+)*\b|(?<![\w.])[A-Za-z]{1,12}\d{3,}\w*\b|\b[A-Z]{2,12}(?:-[A-Z0-9]+)*-[A-Z0-9]*\d[A-Z0-9]*\b|\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{8,}\b`,
    String.raw`(?<![\w.])(?!record\.)[a-z]{2,5}_(?=\w*\d)(?=\w*[A-Z])\w{6,}\b`,
    String.raw`(?<![A-Za-z_])[-+]?(?:\d+(?:[.,_]\d+)*|\.\d+)(?:[eE][-+]?\d+)?(?:\s?(?:${units})\b|%)?(?![A-Za-z_])`,
    String.raw`(?<=\b(?!(?:fields?|propert(?:y|ies)|columns?|keys?|attributes?|type|class|missing|required|an?)\b)[a-z]{2,} )(?<!: )[A-Z][a-zà-ÿ]+(?:[ -](?:of |van |de |von )?[A-Z][a-zà-ÿ]+)*(?![\w.])`,
  ].join('|'),
  'g',
)

/** Words before a quoted text that say that it is a name of the pipeline's or the data's making. */
const names =
  /(?:\b(?:reading|setting|fields?|propert(?:y|ies)|columns?|attributes?|keys?|members?|parameters?|arguments?|option|header|path|element|element name|table|topic|stream|operator|schema|types?|enum|function|method|module|relation|constraint|index|variable|required|missing|no|has no|has the|rule|under|at|directive|kind of|expected)(?: named| name| called)?[\s:([]*|^)$/i
const fieldName = /\b(?:fields?|propert(?:y|ies)|columns?|attributes?|header) $/i
/** What follows a name rather than a value, where neither says so. */
const follows = /^(?::|\s+(?:is|are|must|gives|should|has|was|does|of|that|field|property|column|constraint)\b)/
/** Said of a value rather than of a field. */
const ofValue =
  /^\s+(?:is|are|was) (?:not )?(?:a |an )?(?:valid|invalid|unknown|unexpected|unsupported|JSON|defined|blocked|found|allowed|known)/
const sentenceStart = /(?:^|[:;,.(]\s*|\b(?:and|or|threw|the|that|The) )$/
const identifier = /^[A-Za-z_$][\w$]*(?:[.[\]?][\w$.[\]?]*)?$/
const recordPath = /^(?:record|key|headers|origin)\b[^]*[.[(]/

/**
 * A message with other digits in its numbers: quick, and has the same shape. Digits that tell names and statuses apart stay.
 * @returns at most 2,048 characters of it
 */
export const digitsAlike = (message: string): string =>
  message.slice(0, most).replace(digits, (found) => (found.charCodeAt(0) > 57 ? found : zeros.slice(0, found.length)))

const digits = /[A-Za-z_]\d{1,2}(?!\d)|(?:status|code|HTTP|SQLSTATE)[^\d\n]{1,7}\d{3}(?!\d)|\d+/g
const zeros = '0'.repeat(most)

/**
 * A message without the values in it: two records that fail for the same reason give the same shape. The names of fields
 * stay, for they tell one reason from another.
 */
export function shapeOf(message: string): string {
  const text = digitsAlike(message).replace(notJson, 'not JSON')
  const bare = text.replace(value, (found, words, double, single, back, typographic, at: number) => {
    if (words !== undefined) return found
    const quoted = (double ?? single ?? back ?? typographic) as string | undefined
    if (quoted === undefined) return isStatus(found, text, at) ? found : mark
    return isName(quoted, text, at, found.length) ? `"${quoted}"` : mark
  })
  return onceEach(bare.replace(/#(?:(?:, | and | or |,|:|\/| |-|x)?#)+/g, mark))
}

/** A status, which is a number that tells reasons apart. */
const isStatus = (found: string, text: string, at: number): boolean =>
  found.length === 3 && /^\d{3}$/.test(found) && beforeStatus.test(text.slice(Math.max(0, at - 16), at))

const beforeStatus = /\b(?:status|status code|code|HTTP|HTTP\/1\.1|SQLSTATE)[ :=[(]*$/i

function isName(quoted: string, text: string, at: number, length: number): boolean {
  if (quoted.length > 200) return false
  const before = text.slice(Math.max(0, at - 24), at)
  const after = text.slice(at + length, at + length + 24)
  if (recordPath.test(quoted) || (at === 0 && after.startsWith(':'))) return true
  if (ofValue.test(after) && !/\b(?:field|property|column|attribute|variable) $/i.test(before)) return false
  if (fieldName.test(before) && /^[\w .-]{1,60}$/.test(quoted)) return true
  if (!identifier.test(quoted)) return false
  return (at > 0 && names.test(before)) || (follows.test(after) && sentenceStart.test(before))
}

/** Lists of problems say the same of each element that has it. */
function onceEach(text: string): string {
  const list = text.replace(/; and # more\b/, '').replace(/\.$/, '')
  if (!list.includes('; ')) return list
  const colon = list.slice(0, list.indexOf('; ')).lastIndexOf(': ')
  const start = colon < 0 ? 0 : colon + 2
  return list.slice(0, start) + [...new Set(list.slice(start).split('; '))].join('; ')
}
