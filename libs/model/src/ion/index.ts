export { IonSyntaxError, readIon, type IonLimits } from './read-ion.js';
