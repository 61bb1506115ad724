// GET /periods/AGE answers with the geological period of an age in millions of years.
import compression from 'compression'
import express from 'express'
import helmet from 'helmet'
import { periodOf } from './periods.js'

const app = express()
app.use(helmet())
app.use(compression())

app.get('/periods/:age', (request, response) => {
  const age = Number(request.params.age)
  if (!(age >= 0)) {
    response.status(400).json({ error: `not an age: ${request.params.age}` })
    return
  }
  const period = periodOf(age)
  if (period === null) response.status(404).json({ error: 'before the Cambrian' })
  else response.json({ age, period })
})

app.listen(process.env.PORT ?? 8080, () => console.log('listening'))
