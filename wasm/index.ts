// What core/ calls, from the file that it is in.

export { forwardedPackets, setInputs, step } from './capture/records';
export * from './conntrack/table';
export { tcpIsOrdinary, tcpIsValid, tcpOpen, tcpUpdate } from './conntrack/tcp';
export { udpOpen, udpUpdate } from './conntrack/udp';
export { forward } from './flow/forward';
export { askState, predictState } from './flow/match-state';
export { setClasses } from './flow/megaflows';
export { setChecksums } from './flow/plain';
