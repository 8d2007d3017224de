import type { ComponentChildren } from 'preact';
import type { Loaded } from './use-loaded.js';

/** What CHILDREN makes of a value as soon as it is there; why it cannot be there, if so. */
export function Loading<T>(props: {
  readonly of: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}): ComponentChildren {
  const { value, error } = props.of;
  if (error !== undefined) return <Failure error={error} />;
  if (value === undefined) return <p class="loading">Unpacking …</p>;
  return props.children(value);
}

/** Something of the report that cannot be shown. */
export function Failure({ error }: { readonly error: unknown }) {
  return (
    <p class="failure" role="alert">
      This part of the report cannot be shown: {`${error}`}
    </p>
  );
}
