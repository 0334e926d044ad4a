export { triggerDefinition, type TriggerDefinitionOptions } from './definition.js';
export { createScheduler, type SchedulerOptions } from './scheduler.js';
export { TriggerPlans, type FlowName, type TriggerPlansOptions } from './trigger-plans.js';
