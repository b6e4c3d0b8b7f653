Feature: Deployment in an IP Network
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes   | role | onboarded | org   |
      | Alice   | SP   | false     | nunet |
      | Bob     | CP   | true      | nunet |
      | Charlie | CP   | true      | nunet |

  Scenario: Launch multiple deployments that communicate via IP network
    Given "Alice" has services deployed on "Bob" and "Charlie"
    When "Bob" service tries to communicate with "Charlie"
    Then they should get a OK response

  Scenario: Allocations communicate after the deployment was restarted
    Given "Alice" has services deployed on "Bob" and "Charlie"
    And "Bob" service tries to communicate with "Charlie"
    And they should get a OK response
    When "Alice" restarts the deployment
    And "Bob" service tries to communicate with "Charlie"
    Then they should get a OK response
