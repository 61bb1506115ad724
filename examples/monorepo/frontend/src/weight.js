/** A weight in grams as people write it. */
export function weight(grams) {
  return grams < 1000 ? `${grams} g` : `${(grams / 1000).toFixed(1)} kg`
}
