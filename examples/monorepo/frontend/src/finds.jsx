import { weight } from './weight.js'

export function Finds({ finds }) {
  if (finds.length === 0) return <p>Nothing found yet.</p>
  const total = finds.reduce((sum, find) => sum + find.grams, 0)
  return (
    <>
      <ul>
        {finds.map((find) => (
          <li>
            {find.name}, {find.place} ({weight(find.grams)})
          </li>
        ))}
      </ul>
      <p>Together {weight(total)}.</p>
    </>
  )
}
