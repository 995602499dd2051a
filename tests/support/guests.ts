/** Guests for tests: kernels, busybox and firmware from Debian packages, in a cache outside the repository. */
import { fetchGuests, haveGuests, NoPackages } from '../../guests/packages.mjs'

export type Kernel = 'cloud-amd64' | 'amd64' | '686'

export const archOf = (kernel: Kernel): 'amd64' | 'i386' => (kernel === '686' ? 'i386' : 'amd64')

const there = await fetchGuests()
  .then(() => true)
  .catch((e: unknown) => {
    if (!(e instanceof NoPackages)) throw e
    console.warn(`${e.message}: tests with Debian guests are left out`)
    return false
  })

/** False where packages cannot be had: then the tests that need them are left out, and say so. */
export const guestsThere = there && haveGuests()
