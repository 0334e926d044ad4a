export { decideSlots, type SlotDecision } from './decide.js';
export { slotProcessor, type BrokenSlots } from './processor.js';
export { SlotState, type SlotFact, type SlotRecords, type SlotView } from './state.js';
