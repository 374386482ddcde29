/** A fault for the requests of one route. Percentages are in millionths (10,000 is one percent). */
export interface Fault {
  readonly delay?: { readonly fixedMs: number; readonly perMillion: number };
  readonly abort?: { readonly httpStatus: number; readonly perMillion: number };
}
