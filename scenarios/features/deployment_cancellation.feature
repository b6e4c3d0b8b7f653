Feature: Deployment Cancellation
  Stakeholders: service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |

  Scenario: Cancel an ongoing deployment
    Given "Alice" has 1 service Running on "Bob"
    When "Alice" cancels the deployment
    Then "Alice" deployment is cancelled
    And nothing of "Alice" deployment should run
    And "Bob" should hold nothing

  @W21
  Scenario Outline: Cancel a deployment before it runs
    Given "Alice" has 1 service <status> on "Bob"
    When "Alice" cancels the deployment
    Then "Alice" deployment is cancelled
    And nothing of "Alice" deployment should run
    And "Bob" should hold nothing

    Examples:
      | status       |
      | Preparing    |
      | Committing   |
      | Provisioning |

  Scenario: Attempt to cancel a deployment that has already completed
    Given "Alice" has 1 task Completed on "Bob"
    When "Alice" cancels the deployment
    Then "Alice" should be told "already complete"
    And "Alice" deployment is completed
    And "Alice" ensemble should return "Hello from Docker!"

  @W20
  Scenario: Attempt to cancel a deployment on an unavailable peer
    Given "Alice" has 1 service Running on "Bob"
    And the DMS process of "Bob" is killed
    When "Alice" cancels the deployment
    Then "Alice" should be told "pending: 1 peer has not given back what it held"
    And "Bob" holds something
    When the DMS process of "Bob" is back
    Then within 300 seconds "Bob" holds nothing any more
    And "Alice" deployment is cancelled
    When 3 minutes pass
    And "Alice" asks for the status of the deployment
    Then "Alice" should not be told "pending"
