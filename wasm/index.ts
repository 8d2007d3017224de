// What core/ calls, from the file that it is in.
export * from './table';
