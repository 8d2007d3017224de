// The functions that core/ calls, by file: `WasmExports` in core/wasm-interface.ts.

export { forwardedPackets, setInputs, step, stopAt, stopBefore, stoppedInput } from './capture/capture-loop';
export {
  confirm,
  create,
  firstOfSource,
  linkSource,
  lookUp,
  recordsUsed,
  release,
  remove,
  tableBytes,
  tableSize,
  unhash,
} from './conntrack/table';
export { tcpIsValid, tcpOpen, tcpUpdate } from './conntrack/tcp';
export { tcpRemarkValue, tcpTakeLowered, tcpTakeRemark } from './conntrack/tcp-remark';
export { udpOpen, udpUpdate } from './conntrack/udp';
export { forgetAnswers } from './flow/answers';
export { forward, setNat } from './flow/forward';
export { updateChecksumDeltas } from './flow/leave';
export { matchState, predictState } from './flow/match-state';
export { setMegaflows } from './flow/megaflows';
export { finishedChecksums, setChecksums } from './flow/offload';
export { growTable } from './matches/keyed-table';
