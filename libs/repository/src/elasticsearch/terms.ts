/** What the labels of an execution are found by; the length keeps key and value apart. */
export const labelTerm = (key: string, value: string): string => `${key.length}:${key}=${value}`;
