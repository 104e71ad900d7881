export { EventLog } from './event-log.js';
export type { EventLogOptions } from './event-log.js';
export type { OutputText } from './output-text.js';
export type { ReadOptions } from './read-events.js';
