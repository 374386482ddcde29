// The only door to @peculiar/x509, which throws while it loads unless reflect-metadata was loaded before.
import 'reflect-metadata';

export * from '@peculiar/x509';
