// What core/ calls, from the file that it is in.
export { setClasses } from './classes';
export { forward } from './forward';
export { askState, foreseeState } from './match-state';
export { setChecksums } from './plain';
export { forwardedPackets, setInputs, step } from './records';
export * from './table';
export { tcpIsOrdinary, tcpIsValid, tcpOpen, tcpUpdate } from './tcp';
export { udpOpen, udpUpdate } from './udp';
