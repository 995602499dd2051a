/** Command: fetches every guest file into the cache. Where packages cannot be had it says so; tests that need them say so too. */
import { CACHE, NoPackages, fetchGuests } from './packages.mjs'

try {
  await fetchGuests(undefined, (line) => console.log(line))
  console.log(`guests are in ${CACHE}`)
} catch (e) {
  if (!(e instanceof NoPackages)) throw e
  console.log(e.message)
}
