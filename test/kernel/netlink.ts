/** Messages of nfnetlink (linux/netfilter/nfnetlink.h) and their attributes. */
import { AF_NETLINK, type Libc, SOCK_RAW } from './libc.js';

const NETLINK_NETFILTER = 12;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const MESSAGE_HEADER_LENGTH = 16;
const GROUP_HEADER_LENGTH = 4;
const ATTRIBUTE_HEADER_LENGTH = 4;
const TYPE_MASK = 0x7fff;

const align = (length: number): number => (length + 3) & ~3;

export interface Message {
  /** The subsystem in the upper byte, the kind of message in the lower one. */
  readonly type: number;
  readonly family: number;
  /** The number of a group or queue. */
  readonly resource: number;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

/** A netlink socket in this thread's network namespace. */
export function openNetfilter(libc: Libc): number {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK);
  libc.bind(fd, address);
  return fd;
}

export function sendMessage(libc: Libc, fd: number, message: Message, isAcknowledged = false): void {
  const attributes = [...message.attributes].map(([type, value]) => {
    const attribute = Buffer.alloc(ATTRIBUTE_HEADER_LENGTH + align(value.length));
    attribute.writeUInt16LE(ATTRIBUTE_HEADER_LENGTH + value.length, 0);
    attribute.writeUInt16LE(type, 2);
    value.copy(attribute, ATTRIBUTE_HEADER_LENGTH);
    return attribute;
  });
  const head = Buffer.alloc(MESSAGE_HEADER_LENGTH + GROUP_HEADER_LENGTH);
  const bytes = Buffer.concat([head, ...attributes]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(message.type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | (isAcknowledged ? NLM_F_ACK : 0), 6);
  bytes.writeUInt32LE(1, 8);
  bytes.writeUInt8(message.family, MESSAGE_HEADER_LENGTH);
  bytes.writeUInt16BE(message.resource, MESSAGE_HEADER_LENGTH + 2);
  libc.send(fd, bytes);
}

/** Sends MESSAGE and throws if the kernel refuses it. */
export function request(libc: Libc, fd: number, message: Message): void {
  sendMessage(libc, fd, message, true);
  const answer = libc.receive(fd, Buffer.alloc(8192));
  const error = answer?.readInt32LE(MESSAGE_HEADER_LENGTH) ?? 0;
  if (error !== 0) throw new Error(`netlink message ${message.type} about ${message.resource}: error ${-error}`);
}

/** The messages that wait on the socket FD. */
export function* readMessages(libc: Libc, fd: number, buffer: Buffer): Generator<Message> {
  for (;;) {
    const data = libc.receive(fd, buffer);
    if (data === null) return;
    for (let at = 0; at + MESSAGE_HEADER_LENGTH <= data.length; ) {
      const length = data.readUInt32LE(at);
      const body = at + MESSAGE_HEADER_LENGTH;
      if (body + GROUP_HEADER_LENGTH <= data.length) {
        yield {
          type: data.readUInt16LE(at + 4),
          family: data.readUInt8(body),
          resource: data.readUInt16BE(body + 2),
          attributes: attributesOf(data.subarray(body + GROUP_HEADER_LENGTH, at + length)),
        };
      }
      at += Math.max(align(length), MESSAGE_HEADER_LENGTH);
    }
  }
}

function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at + ATTRIBUTE_HEADER_LENGTH <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_LENGTH) break;
    const value = bytes.subarray(at + ATTRIBUTE_HEADER_LENGTH, at + length);
    attributes.set(bytes.readUInt16LE(at + 2) & TYPE_MASK, Buffer.from(value));
    at += align(length);
  }
  return attributes;
}
