export { joinParts, type JoinedParts, type JoinOptions } from './join.js';
export type { Kind, Newer, RecentPart, RecentRecords, Searches } from './recent.js';
