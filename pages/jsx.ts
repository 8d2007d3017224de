/** What JSX becomes in the bundle: these calls are shorter than those of preact/jsx-runtime. */
export { Fragment as jsxFragment, h as jsxNode } from 'preact';
