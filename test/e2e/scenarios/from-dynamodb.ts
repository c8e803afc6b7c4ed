import { testJourneysFrom } from '../journeys/journey-tests';

testJourneysFrom('dynamodb');
