import { describe, expect, test } from 'vitest';
import { openProgram, ProgramError } from './program.ts';
import { ProgramWriter } from './writer.ts';

describe('a program', () => {
  test('is what was written, however little room there was at first', () => {
    const writer = new ProgramWriter();
    const at = writer.reserve(4);
    writer.u8(1);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x0c0d0e0f, 0x08090a0b);
    writer.u64big(0x1011121314151617n);
    const text = writer.text('é');
    writer.align(8);
    writer.setU32(at, text);
    const reader = openProgram(writer.finish(3, 9, 5), 3, 9);
    expect(reader.flags).toBe(5);
    expect(reader.u32(16)).toBe(text);
    expect([reader.u8(20), reader.u16(21), reader.u32(23)]).toEqual([1, 0x0203, 0x04050607]);
    expect([reader.u64(27), reader.u64(35)]).toEqual([0x08090a0b0c0d0e0fn, 0x1011121314151617n]);
    expect(reader.text(text, 2)).toBe('é');
    expect(reader.bytes.length % 8).toBe(0);
  });

  test.each<readonly [string, number, (writer: ProgramWriter, value: number) => void]>([
    ['u8', 1, (writer, value) => writer.u8(value)],
    ['u16', 2, (writer, value) => writer.u16(value)],
    ['u32', 4, (writer, value) => writer.u32(value)],
    ['u64', 8, (writer, value) => writer.u64(value, 0)],
    ['u64big', 8, (writer, value) => writer.u64big(BigInt(value))],
    ['text', 1, (writer, value) => writer.text(String.fromCharCode(value))],
    ['binary', 1, (writer, value) => writer.binary(String.fromCharCode(value))],
  ])('grows between two of %s', (_name, size, write) => {
    const writer = new ProgramWriter();
    const count = 1_100_000 / size;
    for (let i = 0; i < count; i++) write(writer, i % 128);
    const reader = openProgram(writer.finish(1, 1), 1, 1);
    const wrong = Array.from({ length: count }, (_, i) => i).filter((i) => reader.u8(16 + i * size) !== i % 128);
    expect(wrong).toEqual([]);
  });

  test('is not touched by the one that is written after it', () => {
    const first = new ProgramWriter();
    first.u32(0xaaaaaaaa);
    const program = first.finish(1, 1);
    const copy = program.slice();
    const second = new ProgramWriter();
    second.reserve(8);
    expect(openProgram(second.finish(1, 1), 1, 1).u64(16)).toBe(0n);
    expect(program).toEqual(copy);
  });

  test.each<readonly [string, (bytes: Uint8Array) => Uint8Array, RegExp]>([
    ['too short', (bytes) => bytes.subarray(0, 8), /expected at least 16 bytes, came 8/],
    ['cut off', (bytes) => bytes.subarray(0, 18), /expected length 20, came 18/],
    ['damaged', (bytes) => bytes.with(17, 99), /expected checksum/],
    ['of another feature', (bytes) => bytes.with(4, 2), /expected feature 1, came 2/],
    ['of another format', (bytes) => bytes.with(5, 2), /expected format 1, came 2/],
    ['something else', (bytes) => bytes.with(0, 0), /expected first bytes/],
  ])('that is %s is refused, and the error says why', (_name, damage, message) => {
    const writer = new ProgramWriter();
    writer.u32(1);
    const open = (): unknown => openProgram(damage(writer.finish(1, 1)), 1, 1);
    expect(open).toThrow(ProgramError);
    expect(open).toThrow(message);
  });
});
