/** Writes golden sections that are missing: a new version, or a new device. Those that are there stay as they are. */
import { bless, goldenThere, goldens } from '../tests/support/golden.ts'

for (const golden of goldens().filter((g) => !goldenThere(g))) {
  bless(golden)
  console.log(golden.path)
}
