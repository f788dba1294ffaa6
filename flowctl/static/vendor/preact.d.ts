// Enough types for our own code; `tsc` does not read the bundle.
export type Signal<T> = { value: T; peek(): T; subscribe(listener: (value: T) => void): () => void };
export type Ref<T> = { current: T };
export const html: (strings: TemplateStringsArray, ...values: (((...args: any[]) => any) | object | string | number | boolean | null | undefined)[]) => any;
export const h: any, render: any, Fragment: any, createRef: any;
export class Component<P = any, S = any> { constructor(props?: P); props: P; state: S; setState(state: Partial<S>): void; render(...args: any[]): any; }
export function useState<T>(initial: T | (() => T)): [T, (next: T | ((previous: T) => T)) => void];
export function useRef<T>(initial: T): Ref<T>;
export function useMemo<T>(make: () => T, inputs?: any[]): T;
export function useCallback<T extends Function>(call: T, inputs?: any[]): T;
export function useEffect(run: () => void | (() => void), inputs?: any[]): void;
export function useLayoutEffect(run: () => void | (() => void), inputs?: any[]): void;
export function signal<T>(initial: T): Signal<T>;
export function computed<T>(make: () => T): Signal<T>;
export function effect(run: () => void | (() => void)): () => void;
export function batch(run: () => void): void;
export function useSignal<T>(initial: T): Signal<T>;
export function useComputed<T>(make: () => T): Signal<T>;
export function useSignalEffect(run: () => void | (() => void)): void;
