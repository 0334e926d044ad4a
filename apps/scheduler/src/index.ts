export { triggerDefinition, type TriggerDefinitionOptions } from './definition.js';
export { createScheduler, type SchedulerOptions } from './scheduler.js';
export { TriggerPlans, triggersOf, type FlowName, type TriggerPlansOptions } from './trigger-plans.js';
