// The copy has the types of its source.
export * from "../../../../../../clients/javascript/types/src/store/following.js";
