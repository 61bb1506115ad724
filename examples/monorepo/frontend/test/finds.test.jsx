import assert from 'node:assert/strict'
import { test } from 'node:test'
import { render } from 'preact-render-to-string'
import { Finds } from '../src/finds.jsx'

test('an empty collection says so', () => {
  assert.equal(render(<Finds finds={[]} />), '<p>Nothing found yet.</p>')
})

test('finds are listed with their weight, and weighed together', () => {
  const finds = [
    { name: 'ammonite', place: 'Lyme Regis', grams: 240 },
    { name: 'flint', place: 'Dover', grams: 1200 },
  ]
  assert.equal(
    render(<Finds finds={finds} />),
    '<ul><li>ammonite, Lyme Regis (240 g)</li><li>flint, Dover (1.2 kg)</li></ul><p>Together 1.4 kg.</p>',
  )
})
