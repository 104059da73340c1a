import { Store } from '@tandem/react';
import { expect, test } from 'vitest';
import type { CallModel } from '../call/call-model.ts';
import { initialState } from '../call/state.ts';
import type { CallModelState } from '../call/types.ts';
import { tellEvents } from './tell-events.ts';

/** A call, and what the page around it hears but `media`. */
function frame() {
  const call = new Store<CallModelState>(initialState);
  const heard: unknown[] = [];
  tellEvents(call as unknown as CallModel, (event, data) => event !== 'media' && heard.push([event, data]));
  return { call, heard: () => heard.splice(0) };
}

const ada = [{ id: 'p1', name: 'Ada' }] as unknown as CallModelState['peers'];

test('S-38 the page around the frame hears of each room that its person is moved to, and of one end', () => {
  const { call, heard } = frame();
  call.set({ phase: 'call', room: 'a', peers: ada });
  expect(heard()).toEqual([
    ['joined', { roomId: 'a' }],
    ['peer-joined', { peerId: 'p1', name: 'Ada' }],
  ]);
  call.set({ phase: 'ended' });
  call.set({ ...initialState, phase: 'joining', room: 'b' });
  expect(heard()).toEqual([]);
  call.set({ phase: 'call' });
  expect(heard()).toEqual([['joined', { roomId: 'b' }]]);
  call.set({ phase: 'ended' });
  call.set({ end: 'left' });
  call.set({ ...initialState });
  expect(heard()).toEqual([['left', { reason: 'left' }]]);
});

test('S-38 who gives up on the way to another room has left', () => {
  const { call, heard } = frame();
  call.set({ phase: 'call', room: 'a' });
  call.set({ ...initialState, phase: 'joining', room: 'b' });
  call.set({ ...initialState });
  expect(heard()).toEqual([
    ['joined', { roomId: 'a' }],
    ['left', { reason: 'left' }],
  ]);
});
