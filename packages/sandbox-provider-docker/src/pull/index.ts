export { canonical } from './name.js';
export { obtainImage } from './obtain.js';
export { ImagePulls } from './pulls.js';
export { pullObstacle, pullOptions, pullRules, type PullRules } from './rules.js';
