import { PAGE_SIZE_MAX, RepositoryError, type SearchQuery } from './contract.js';
import { FILTER_LIMITS } from './filters.js';
import type { Window } from './part.js';

const invalid = (message: string): RepositoryError => new RepositoryError('INVALID_QUERY', message, false);

/** The rows of a page. @throws RepositoryError INVALID_QUERY for a page that nobody can ask for */
export function windowOf({ page, size }: Pick<SearchQuery, 'page' | 'size'>): Window {
  if (!Number.isSafeInteger(page) || page < 1) throw invalid(`'page' must be a whole number from 1 on, but is ${page}`);
  if (!Number.isSafeInteger(size) || size < 1 || size > PAGE_SIZE_MAX) {
    throw invalid(`'size' must be a whole number from 1 to ${PAGE_SIZE_MAX}, but is ${size}`);
  }
  if (page * size > Number.MAX_SAFE_INTEGER / 2) throw invalid(`'page' is too large: ${page}`);
  return { from: (page - 1) * size, size };
}

/** @throws RepositoryError INVALID_QUERY for more, or longer, filters than a query may have */
export function checkFilters({ filters }: Pick<SearchQuery, 'filters'>): void {
  if (filters.length > FILTER_LIMITS.filters) {
    throw invalid(`${filters.length} filters are too many: at most ${FILTER_LIMITS.filters} are allowed`);
  }
  for (const { field, value } of filters) {
    if (value.length > FILTER_LIMITS.valueLength * 20 || (field === 'q' && value.length > FILTER_LIMITS.valueLength)) {
      throw invalid(`The filter '${field.slice(0, 80)}' is too long: ${value.length} characters`);
    }
  }
}
