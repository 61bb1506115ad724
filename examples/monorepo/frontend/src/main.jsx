import { render } from 'preact'
import { Finds } from './finds.jsx'

const response = fetch('/api/finds')
response
  .then((answer) => answer.json())
  .then((finds) => render(<Finds finds={finds} />, document.getElementById('app')))
