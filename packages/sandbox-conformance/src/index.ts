export { describeProvider } from './describe-provider.js';
export type { ConfigAddition, ConformanceFixtures, ConformanceOptions, Surroundings, TcpService } from './options.js';
export type { ConformanceReport, Outcome, ReportedClaims, ReportedTest } from './report.js';
