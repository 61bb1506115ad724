// The geological periods, youngest first, each with its beginning in millions of years before the present.
const PERIODS = [
  ['Quaternary', 2.58],
  ['Neogene', 23.04],
  ['Paleogene', 66],
  ['Cretaceous', 143.1],
  ['Jurassic', 201.4],
  ['Triassic', 251.902],
  ['Permian', 298.9],
  ['Carboniferous', 358.86],
  ['Devonian', 419.62],
  ['Silurian', 443.1],
  ['Ordovician', 486.85],
  ['Cambrian', 538.8],
]

/** The period of an age in millions of years; null before the Cambrian. */
export function periodOf(age) {
  return PERIODS.find(([, beginning]) => age <= beginning)?.[0] ?? null
}
