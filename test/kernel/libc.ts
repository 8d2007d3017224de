/** System calls that the harness needs and Node lacks: sockets and network namespaces, called synchronously. */
import { constants, openSync } from 'node:fs';
import koffi from 'koffi';

export const AF_INET = 2;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;

const EPERM = 1;
const EAGAIN = 11;
const EINVAL = 22;
const EACCES = 13;
const ENETUNREACH = 101;
const EHOSTUNREACH = 113;
const POLLIN = 1;

/** A system call failed: which one, and errno. */
export class SystemError extends Error {
  constructor(
    readonly call: string,
    readonly errno: number,
    readonly description: string,
  ) {
    super(`${call}: ${description}`);
  }
  /** The host's OUTPUT rules refused the packet. */
  get isRefused(): boolean {
    return this.errno === EPERM;
  }

  /** No route, or a prohibit route: detected before OUTPUT, or after it if a rule changed the packet. */
  get isUnroutable(): boolean {
    return this.errno === ENETUNREACH || this.errno === EHOSTUNREACH || this.errno === EACCES;
  }

  /** A blackhole route, or a packet with an incomplete header. */
  get isInvalid(): boolean {
    return this.errno === EINVAL;
  }
}

export interface Libc {
  /** A new socket's descriptor: non-blocking, closed on exec. */
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer): void;
  connect(fd: number, address: Buffer): void;
  listen(fd: number, backlog: number): void;
  /** Calls MAKE with the user and group of the file system UID and GID, which new sockets belong to. */
  asUser<T>(uid: number, gid: number, make: () => T): T;
  setOption(fd: number, level: number, option: number, value: number): void;
  /** Sends DATA, to ADDRESS if the socket is not bound to one. */
  send(fd: number, data: Uint8Array, address?: Buffer): void;
  /** Sends DATA to ADDRESS with an ancillary message of LEVEL and TYPE, an integer. */
  sendWith(fd: number, data: Uint8Array, address: Buffer, level: number, type: number, value: number): void;
  /** The next message as a view of INTO, or null if there is none. */
  receive(fd: number, into: Buffer): Buffer | null;
  /** Waits up to TIMEOUT_MS; returns which of FDS are readable. */
  poll(fds: readonly number[], timeoutMs: number): number[];
  /** Moves this thread to a new network namespace. */
  unshareNet(): void;
  /** Moves this thread to the network namespace of FD (an open /proc/…/ns/net). */
  setNet(fd: number): void;
  interfaceIndex(name: string): number;
  /** A new tun interface NAME, whose packets are read from and written to the descriptor that is returned. */
  createTun(name: string): number;
  /** Writes DATA to a descriptor. */
  write(fd: number, data: Uint8Array): void;
  /** Reads a packet as a view of INTO, or null if there is none. */
  read(fd: number, into: Buffer): Buffer | null;
  /** ethtool -K DEV tx off, by SIOCETHTOOL over the socket FD. */
  txChecksumOff(fd: number, device: string): void;
}

const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_STXCSUM = 0x17;

/** Binds the C library of this machine. Linux only. */
export function loadLibc(): Libc {
  const library = koffi.load('libc.so.6');
  const strerror = library.func('const char *strerror(int errnum)');
  const socket = library.func('int socket(int domain, int type, int protocol)');
  const bind = library.func('int bind(int fd, const void *address, uint32_t length)');
  const connect = library.func('int connect(int fd, const void *address, uint32_t length)');
  const listen = library.func('int listen(int fd, int backlog)');
  const setfsuid = library.func('int setfsuid(unsigned int uid)');
  const setfsgid = library.func('int setfsgid(unsigned int gid)');
  const setsockopt = library.func(
    'int setsockopt(int fd, int level, int option, const void *value, uint32_t valueLength)',
  );
  const sendto = library.func(
    'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
  );
  const part = koffi.struct({ data: 'void *', length: 'size_t' });
  const message = koffi.struct({
    address: 'void *',
    addressLength: 'uint32_t',
    parts: koffi.pointer(part),
    partCount: 'size_t',
    control: 'void *',
    controlLength: 'size_t',
    flags: 'int',
  });
  const sendmsg = library.func('sendmsg', 'int64_t', ['int', koffi.pointer(message), 'int']);
  const recv = library.func('int64_t recv(int fd, _Out_ void *into, size_t length, int flags)');
  const poll = library.func('int poll(_Inout_ void *fds, unsigned long count, int timeout)');
  const unshare = library.func('int unshare(int flags)');
  const setns = library.func('int setns(int fd, int type)');
  const ifNameToIndex = library.func('unsigned int if_nametoindex(const char *name)');
  const ethtoolValue = koffi.struct({ command: 'uint32_t', data: 'uint32_t' });
  const ethtoolRequest = koffi.struct({
    name: koffi.array('char', 16),
    value: koffi.pointer(ethtoolValue),
    padding: koffi.array('uint8_t', 16),
  });
  const ioctl = library.func('ioctl', 'int', ['int', 'unsigned long', koffi.pointer(ethtoolRequest)]);

  const ioctlBytes = library.func('ioctl', 'int', ['int', 'unsigned long', 'void *']);
  const write = library.func('int64_t write(int fd, const void *data, size_t length)');
  const read = library.func('int64_t read(int fd, _Out_ void *into, size_t length)');

  const check = (call: string, result: number): number => {
    if (result >= 0) return result;
    const errno = koffi.errno();
    throw new SystemError(call, errno, strerror(errno));
  };

  return {
    socket: (family, type, protocol) => check('socket', socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)),
    bind: (fd, address) => {
      check('bind', bind(fd, address, address.length));
    },
    connect: (fd, address) => {
      check('connect', connect(fd, address, address.length));
    },
    listen: (fd, backlog) => {
      check('listen', listen(fd, backlog));
    },
    asUser: (uid, gid, make) => {
      setfsgid(gid);
      setfsuid(uid);
      try {
        return make();
      } finally {
        setfsuid(0);
        setfsgid(0);
      }
    },
    setOption: (fd, level, option, value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value);
      check('setsockopt', setsockopt(fd, level, option, bytes, 4));
    },
    send: (fd, data, address) => {
      check('sendto', Number(sendto(fd, data, data.length, 0, address ?? null, address?.length ?? 0)));
    },
    sendWith: (fd, data, address, level, type, value) => {
      // struct cmsghdr, padded.
      const control = Buffer.alloc(24);
      control.writeBigUInt64LE(20n, 0);
      control.writeInt32LE(level, 8);
      control.writeInt32LE(type, 12);
      control.writeInt32LE(value, 16);
      const parts = [{ data, length: data.length }];
      const sent = sendmsg(
        fd,
        {
          address,
          addressLength: address.length,
          parts,
          partCount: 1,
          control,
          controlLength: control.length,
          flags: 0,
        },
        0,
      );
      check('sendmsg', Number(sent));
    },
    receive: (fd, into) => {
      const length = Number(recv(fd, into, into.length, 0));
      if (length < 0 && koffi.errno() === EAGAIN) return null;
      return into.subarray(0, check('recv', length));
    },
    poll: (fds, timeoutMs) => {
      const waiting = Buffer.alloc(fds.length * 8);
      fds.forEach((fd, i) => {
        waiting.writeInt32LE(fd, i * 8);
        waiting.writeInt16LE(POLLIN, i * 8 + 4);
      });
      if (check('poll', poll(waiting, fds.length, timeoutMs)) === 0) return [];
      return fds.filter((_, i) => waiting.readInt16LE(i * 8 + 6) !== 0);
    },
    unshareNet: () => {
      check('unshare', unshare(CLONE_NEWNET));
    },
    setNet: (fd) => {
      check('setns', setns(fd, CLONE_NEWNET));
    },
    interfaceIndex: (name) => {
      const index = ifNameToIndex(name);
      if (index === 0) throw new Error(`no interface ${name}`);
      return index;
    },
    createTun: (name) => {
      const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
      const request = Buffer.alloc(40);
      request.write(name);
      request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
      check('TUNSETIFF', ioctlBytes(fd, TUNSETIFF, request));
      return fd;
    },
    write: (fd, data) => {
      check('write', Number(write(fd, data, data.length)));
    },
    read: (fd, into) => {
      const length = Number(read(fd, into, into.length));
      if (length < 0 && koffi.errno() === EAGAIN) return null;
      return into.subarray(0, check('read', length));
    },
    txChecksumOff: (fd, device) => {
      const request = { name: device, value: { command: ETHTOOL_STXCSUM, data: 0 }, padding: new Array(16).fill(0) };
      check('SIOCETHTOOL', ioctl(fd, SIOCETHTOOL, request));
    },
  };
}
