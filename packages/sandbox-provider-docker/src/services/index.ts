export type { ServicePlan } from './plan.js';
export { Services } from './services.js';
