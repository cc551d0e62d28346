/** What is asked is never answered. */
export default function wait(): Promise<never> {
  return new Promise(() => {})
}
