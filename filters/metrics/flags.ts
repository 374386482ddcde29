import { Text, text } from '../sdk/text.ts';

/** Envoy's response flags by their bit, as %RESPONSE_FLAGS% writes them: a comma after each. */
const SHORT: StaticArray<Text> = [
  text('LH,'),
  text('UH,'),
  text('UT,'),
  text('LR,'),
  text('UR,'),
  text('UF,'),
  text('UC,'),
  text('UO,'),
  text('NR,'),
  text('DI,'),
  text('FI,'),
  text('RL,'),
  text('UAEX,'),
  text('RLSE,'),
  text('DC,'),
  text('URX,'),
  text('SI,'),
  text('IH,'),
  text('DPE,'),
  text('UMSDR,'),
  text('RFCF,'),
  text('NFCF,'),
  text('DT,'),
  text('UPE,'),
  text('NC,'),
  text('OM,'),
  text('DF,'),
  text('DO,'),
  text('DR,'),
  text('UDO,'),
];

/** Room for all of them at once. */
export const FLAGS_MAX: u32 = 128;

const DASH: u8 = 0x2d;

/** Writes the flags that are set, or `-`; at most FLAGS_MAX bytes. Gives how many. A bit without a name is left out. */
export function writeFlags(pointer: usize, flags: u64): u32 {
  let at = pointer;
  for (let bit = 0; flags != 0 && bit < SHORT.length; bit++, flags >>= 1) {
    if ((flags & 1) == 0) continue;
    const name = unchecked(SHORT[bit]);
    memory.copy(at, name.pointer, name.size);
    at += name.size;
  }
  if (at > pointer) return <u32>(at - pointer) - 1;
  store<u8>(pointer, DASH);
  return 1;
}
