import { InvalidArgumentError } from 'commander'

export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new InvalidArgumentError('expected a port: a number from 0 (any that is free) to 65535.')
}
