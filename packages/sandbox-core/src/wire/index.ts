/** What the API and the command line tell, as JSON: results, rows and events, with the names and units of the wire. */
export { eventId, eventToWire, parseEventId } from './events.js';
export {
  activeToWire,
  historyRowToWire,
  limitsToWire,
  resultToWire,
  testResultToWire,
  volumeToWire,
} from './results.js';
