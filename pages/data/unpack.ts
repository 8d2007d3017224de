/** From compressed sections to their content. */

/** What BYTES (deflate without a header) hold. Rejects if they are damaged. */
export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The JSON in BYTES, which are compressed. */
export async function readJson(bytes: Uint8Array): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await inflate(bytes)));
}
