// The file holds Preact, its hooks, and htm bound to Preact; these are the types of what it exports.
import type { VNode } from "preact";

export { Component, createContext, h, render } from "preact";
export type { ComponentChild, ComponentChildren, ComponentType, FunctionComponent, RefObject, VNode } from "preact";
export {
  useCallback, useContext, useDebugValue, useEffect, useErrorBoundary, useImperativeHandle, useLayoutEffect, useMemo,
  useReducer, useRef, useState,
} from "preact/hooks";

export declare function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
