/** What is asked is never answered. */
export default async function wait(): Promise<void> {
  await new Promise(() => {})
}
