import { Fault, type FaultClass } from '../record/fault.ts'

const declaration = /\bcode = (["'])(?<code>[a-z_]+\.[a-z_]+)\1/

/**
 * The code that faults of a class have, without making one: it is read in the text of the class or the nearest class
 * that it extends, because a field has no value before there is an object.
 * @throws Error for a class without a fixed code
 */
export function faultCode(faultClass: FaultClass): string {
  for (
    let owner: unknown = faultClass;
    typeof owner === 'function' && owner !== Fault;
    owner = Object.getPrototypeOf(owner)
  ) {
    const code = declaration.exec(String(owner))?.groups?.code
    if (code !== undefined) return code
  }
  throw new Error(`${faultClass.name} declares no code of its own, such as: readonly code = 'order.unpaid'`)
}
