// What core/ calls, from the file that it is in.
export { forward } from './forward';
export { setChecksums } from './packet';
export { forwardedPackets, setInputs, step } from './records';
export * from './table';
