/**
 * Whether the work ends within some real milliseconds. Virtual time cannot tell an operator that still computes from one
 * that never answers, so this is the one place of the kit that looks at a real clock.
 * @throws what the work rejects with
 */
export async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  // eslint-disable-next-line no-restricted-globals -- see above
  const watchdog = setTimeout(() => late.resolve(false), milliseconds)
  try {
    return await Promise.race([work.then(() => true), late.promise])
  } finally {
    clearTimeout(watchdog)
  }
}
